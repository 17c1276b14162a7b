/**
 * State that shapes a picture lives in the URL's query, so that a link shows what you see.
 *
 *     const neuron = urlState('neuron', { weights: numbers([0.7, -0.3]), bias: number(-0.2) })
 *     neuron.bias = 0.5            // ?neuron.bias=0.5, without a new entry in the history
 *
 * What has its default value is left out of the URL.
 */
import { untrack } from 'svelte'

export interface Codec<T> {
  readonly initial: T
  /** `undefined` where the text says nothing that is understood. */
  read(text: string): T | undefined
  write(value: T): string
}

const short = (value: number) => String(Number(value.toPrecision(6)))

export function number(
  initial: number,
  range: [number, number] = [-Infinity, Infinity],
): Codec<number> {
  return {
    initial,
    read(text) {
      const value = text.trim() === '' ? NaN : Number(text)
      return Number.isFinite(value) ? Math.min(Math.max(value, range[0]), range[1]) : undefined
    },
    write: short,
  }
}

export function numbers(
  initial: readonly number[],
  sizes: [number, number] = [0, 64],
): Codec<readonly number[]> {
  return {
    initial,
    read(text) {
      const values = text === '' ? [] : text.split(',').map(Number)
      const good =
        values.every(Number.isFinite) && values.length >= sizes[0] && values.length <= sizes[1]
      return good ? values : undefined
    },
    write: (values) => values.map(short).join(','),
  }
}

export function word<const W extends string>(initial: W, words: readonly W[]): Codec<W> {
  return {
    initial,
    read: (text) => words.find((each) => each === text),
    write: (value) => value,
  }
}

export function text(initial = ''): Codec<string> {
  return { initial, read: (value) => value, write: (value) => value }
}

export function flag(initial = false): Codec<boolean> {
  return {
    initial,
    read: (value) => (value === '1' ? true : value === '0' ? false : undefined),
    write: (value) => (value ? '1' : '0'),
  }
}

/** A whole document, for what has no smaller shape; `check` says whether a link's is of the right one. */
export function json<T>(initial: T, check: (value: unknown) => value is T): Codec<T> {
  return {
    initial,
    read(value) {
      try {
        const document: unknown = JSON.parse(value)
        return check(document) ? document : undefined
      } catch {
        return undefined
      }
    },
    write: (value) => JSON.stringify(value),
  }
}

let query = $state.raw(new URLSearchParams(location.search))
let written = true
let resting = false

/** Called by whoever changes the address in another way, such as the router or the back button. */
export function addressChanged(): void {
  written = true
  query = new URLSearchParams(location.search)
}

addEventListener('popstate', addressChanged)

/** Every value of a name that may stand in the query several times: `?job=a&job=b`. */
export function all(name: string): readonly string[] {
  return query.getAll(name)
}

// Browsers refuse more than a hundred changes in half a minute.
const PAUSE = 400

function put(key: string, value: string | undefined): void {
  const next = new URLSearchParams(query)
  if (value === undefined) next.delete(key)
  else next.set(key, value)
  query = next
  written = false
  // A single change is written at once, as whoever makes it may leave at once; what is set with it goes along.
  if (!resting) queueMicrotask(settle)
}

/** Writes what is still to be written; also called before the address is left, so that going back finds it. */
export function settle(): void {
  if (written) return
  written = true
  // Commas and colons are legal in a query, and a link with them can be read.
  const text = query.toString().replace(/%2C/g, ',').replace(/%3A/g, ':')
  history.replaceState(
    history.state,
    '',
    location.pathname + (text ? `?${text}` : '') + location.hash,
  )
  if (resting) return
  resting = true
  setTimeout(() => {
    resting = false
    settle()
  }, PAUSE)
}

type Codecs = Record<string, Codec<unknown>>
type Values<C extends Codecs> = { [K in keyof C]: C[K] extends Codec<infer T> ? T : never }

export function urlState<C extends Codecs>(
  space: string,
  codecs: C,
): Values<C> & { reset(): void } {
  const state = {
    reset() {
      for (const name of Object.keys(codecs)) put(`${space}.${name}`, undefined)
    },
  }
  for (const [name, codec] of Object.entries(codecs)) {
    const key = `${space}.${name}`
    const value = $derived.by(() => {
      const text = query.get(key)
      return text === null ? codec.initial : (codec.read(text) ?? codec.initial)
    })
    Object.defineProperty(state, name, {
      enumerable: true,
      get: () => value,
      set: (next: unknown) =>
        untrack(() => {
          const text = codec.write(next)
          put(key, text === codec.write(codec.initial) ? undefined : text)
        }),
    })
  }
  return state as Values<C> & { reset(): void }
}
