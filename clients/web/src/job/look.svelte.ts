/**
 * The selected epoch. It follows the newest stored epoch until the user scrubs; all figures of the
 * page show it.
 */
import { number, urlState } from '../lib/state/url.svelte'
import { lastUpTo } from './columns'
import type { Run } from './run.svelte'

const NEWEST = -1

export class Look {
  readonly #place = urlState('job', { epoch: number(NEWEST, [NEWEST, 1e9]) })
  readonly following = $derived(this.#place.epoch === NEWEST)

  constructor(private readonly run: Run) {}

  get #last(): number {
    return this.run.stored.length - 1
  }

  /** Index in the list of stored epochs. */
  get index(): number {
    return this.following ? this.#last : lastUpTo(this.run.stored, this.#place.epoch)
  }

  /** The selected epoch; undefined if no epoch is stored yet. */
  get epoch(): number | undefined {
    return this.run.stored[this.index]
  }

  to(index: number): void {
    const epoch = this.run.stored[Math.min(Math.max(index, 0), this.#last)]
    if (epoch !== undefined) this.#place.epoch = epoch
  }

  /** Select the nearest stored epoch. */
  near(epoch: number): void {
    const { stored } = this.run
    const before = lastUpTo(stored, epoch)
    const after = Math.min(before + 1, this.#last)
    this.to(
      Math.abs((stored[after] ?? 0) - epoch) < Math.abs((stored[before] ?? 0) - epoch)
        ? after
        : before,
    )
  }

  follow(): void {
    this.#place.epoch = NEWEST
  }
}

/** An attachment that reports once that its element is about to scroll into view, to load it late. */
export function approaching(): { readonly near: boolean; watch: (element: Element) => () => void } {
  let near = $state(false)
  return {
    get near() {
      return near
    },
    watch(element) {
      const observer = new IntersectionObserver(
        ([entry]) => (near = entry?.isIntersecting ?? false),
        { rootMargin: '25% 0px' },
      )
      observer.observe(element)
      return () => observer.disconnect()
    },
  }
}
