/**
 * State that shapes a figure lives in the query of the URL, so that a link shows the same figure.
 *
 *     const neuron = urlState('neuron', { weights: numbers([0.7, -0.3]), bias: number(-0.2) })
 *     neuron.bias = 0.5            // ?neuron.bias=0.5, without a new history entry
 *
 * Default values are left out of the URL.
 */
import { getContext, setContext, untrack } from 'svelte'

export interface Codec<T> {
  readonly initial: T
  /** The bounds of a number. */
  readonly range?: readonly [number, number]
  /** Whether a number is whole. */
  readonly whole?: boolean
  /** Parse a text; undefined if it is invalid. */
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
    range,
    read(text) {
      const value = text.trim() === '' ? NaN : Number(text)
      return Number.isFinite(value) ? Math.min(Math.max(value, range[0]), range[1]) : undefined
    },
    write: short,
  }
}

export function whole(initial: number, range: [number, number]): Codec<number> {
  const { read } = number(initial, range)
  return {
    initial,
    range,
    whole: true,
    read: (text) => {
      const value = read(text)
      return value === undefined ? undefined : Math.round(value)
    },
    write: (value) => String(Math.round(value)),
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
    read: (text) => words.find((word) => word === text),
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

/** A JSON document; `check` validates documents from a link. */
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

/** State by name: in the query of this page, or of the figures within another page. */
export class Address {
  query = $state.raw(new URLSearchParams())
}

const page = new Address()
page.query = new URLSearchParams(location.search)
const ADDRESS = Symbol('address')
let isOurs = true
let written = true

/** The address belongs to another page, or to a file: state starts empty and is not written there. */
export function leaveAddress(): void {
  isOurs = false
  page.query = new URLSearchParams()
}

/** After `leaveAddress`, the state of this component and its children is here. */
export const holdAddress = (address: Address) => setContext(ADDRESS, address)

let resting = false

/** Call this after the address changes in another way, e.g. by the router or the back button. */
export function addressChanged(): void {
  if (!isOurs) return
  written = true
  page.query = new URLSearchParams(location.search)
}

addEventListener('popstate', addressChanged)

/** All values of a name that can repeat in the query: `?job=a&job=b`. */
export function all(name: string): readonly string[] {
  return page.query.getAll(name)
}

// Browsers reject more than a hundred changes in half a minute.
const PAUSE = 400

function put(address: Address, key: string, value: string | undefined): void {
  const next = new URLSearchParams(address.query)
  if (value === undefined) next.delete(key)
  else next.set(key, value)
  address.query = next
  if (address !== page) return
  written = false
  // Write a single change at once, together with changes in the same tick, because the user may leave.
  if (!resting) queueMicrotask(settle)
}

/** Write pending changes; also called before leaving the address, so that going back restores them. */
export function settle(): void {
  if (written || !isOurs) return
  written = true
  // Commas and colons are legal in a query and keep links readable.
  const text = page.query.toString().replace(/%2C/g, ',').replace(/%3A/g, ':')
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

export type UrlState<C extends Codecs> = Values<C> & {
  reset(): void
  /** How a value is written, and its bounds. */
  codec(name: string): Codec<unknown>
}

export function urlState<C extends Codecs>(
  space: string,
  codecs: C,
  address = isOurs ? page : (getContext<Address | undefined>(ADDRESS) ?? page),
): UrlState<C> {
  const state = {
    reset() {
      for (const name of Object.keys(codecs)) put(address, `${space}.${name}`, undefined)
    },
    codec: (name: string) => codecs[name]!,
  }
  for (const [name, codec] of Object.entries(codecs)) {
    const key = `${space}.${name}`
    const value = $derived.by(() => {
      const text = address.query.get(key)
      return text === null ? codec.initial : (codec.read(text) ?? codec.initial)
    })
    Object.defineProperty(state, name, {
      enumerable: true,
      get: () => value,
      set: (next: unknown) =>
        untrack(() => {
          const text = codec.write(next)
          put(address, key, text === codec.write(codec.initial) ? undefined : text)
        }),
    })
  }
  return state as UrlState<C>
}
