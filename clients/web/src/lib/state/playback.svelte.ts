/** A picture that opens finished, plays once when it comes into view, and can be played again. */
import { motion } from './theme.svelte'

/** Share of a picture that must be in view for it to play. */
const SEEN = 0.35

/**
 * Watch whether a picture is in view: call `enter` each time that enough of it comes into view, and
 * `leave` when nothing of it is: a figure that changes its height while it plays stays in view.
 * Return the function that ends the watch.
 */
export function watchView(element: Element, enter: () => void, leave: () => void): () => void {
  const observer = new IntersectionObserver(
    (entries) => {
      const now = entries.at(-1)!
      if (now.intersectionRatio >= SEEN) enter()
      else if (!now.isIntersecting) leave()
    },
    { threshold: [0, SEEN] },
  )
  observer.observe(element)
  return () => observer.disconnect()
}

export interface Playback {
  /** How much of the picture is drawn, in [0, 1]; 1 while nothing plays. */
  readonly share: number
  readonly playing: boolean
  /** Play from the start; with reduced motion, show the finished picture. */
  play(): void
  /** Show the picture at this share, and stop. */
  show(share: number): void
  /** An attachment that plays once when its element comes into view, and is finished when it leaves. */
  watch(element: Element): () => void
}

export function playback(milliseconds: number): Playback {
  let share = $state(1)
  let frame = $state(0)
  let played = false

  function stop(): void {
    cancelAnimationFrame(frame)
    frame = 0
  }

  function leave(): void {
    if (!frame) return
    stop()
    share = 1
  }

  function play(): void {
    stop()
    played = true
    share = 1
    if (motion.reduced) return
    share = 0
    let begun: number | undefined
    const draw = (now: number) => {
      begun ??= now
      share = Math.min((now - begun) / milliseconds, 1)
      frame = share < 1 ? requestAnimationFrame(draw) : 0
    }
    frame = requestAnimationFrame(draw)
  }

  return {
    get share() {
      return share
    },
    get playing() {
      return frame !== 0
    },
    play,
    show(next) {
      stop()
      played = true
      share = Math.min(Math.max(next, 0), 1)
    },
    watch(element) {
      const unwatch = watchView(element, () => played || play(), leave)
      return () => {
        unwatch()
        stop()
      }
    },
  }
}
