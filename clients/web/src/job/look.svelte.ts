/**
 * The selected epoch, which all figures of the page show. Until the user scrubs, it follows the newest
 * stored epoch, and is the best one when the run has ended with that one's weights.
 */
import { watchSight } from '../lib/state/sight'
import { number, urlState, type Address } from '../lib/state/url.svelte'
import type { Network } from '../bench/forward'
import { unpacked } from '../bench/unpacked'
import { specAfter } from './changes'
import { lastUpTo } from './columns'
import type { Trained } from './replies'
import type { Run } from './run.svelte'

const FOLLOWING = -1

export class Look {
  readonly #place
  readonly following = $derived.by(() => this.#place.epoch === FOLLOWING)

  constructor(
    readonly run: Run,
    address?: Address,
  ) {
    this.#place = urlState('job', { epoch: number(FOLLOWING, [FOLLOWING, 1e9]) }, address)
  }

  get #last(): number {
    return this.run.stored.length - 1
  }

  /** The epoch whose weights are the result of the run, if that is not the last one. */
  get restored(): number | undefined {
    const best = this.run.job?.best
    return best?.is_restored ? best.epoch : undefined
  }

  /** Index in the list of stored epochs. */
  get index(): number {
    const epoch = this.following ? this.restored : this.#place.epoch
    return epoch === undefined ? this.#last : lastUpTo(this.run.stored, epoch)
  }

  /** The selected epoch; undefined if no epoch is stored yet. */
  get epoch(): number | undefined {
    return this.run.stored[this.index]
  }

  /** The network with the weights that the stream has, while the newest ones are followed. */
  readonly live = $derived.by((): Trained | undefined => {
    const { job, over, weights } = this.run
    if (!this.following || over || !job || !weights) return undefined
    const spec = specAfter(job.spec)
    const network = spec.network as Network
    return { epoch: weights.epoch, spec, network, parameters: unpacked(weights) }
  })

  /** The selected epoch, for figures that the page can compute: those of `live` before it is stored. */
  get drawn(): number | undefined {
    return this.live?.epoch ?? this.epoch
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
    this.#place.epoch = FOLLOWING
  }
}

/** An attachment that reports once that its element is about to scroll into view, to load it late. */
export function approaching(): { readonly near: boolean; watch: (element: Element) => () => void } {
  let near = $state(false)
  return {
    get near() {
      return near
    },
    watch: (element) => watchSight(element, '25% 0px', (seen) => (near = seen)),
  }
}
