/** The section of the journey that the user is reading. */

let section = $state<string>()
const visible = new Map<string, number>()

// The current section crosses a line a third down the screen.
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) visible.set(target.id, (target as HTMLElement).offsetTop)
      else visible.delete(target.id)
    }
    const lowest = [...visible].sort((a, b) => b[1] - a[1])[0]
    section = lowest?.[0]
  },
  { rootMargin: '-33% 0px -66% 0px' },
)

export const reading = {
  get section(): string | undefined {
    return section
  },
}

/** An attachment for the element of a section; its id is the slug. */
export function trackSection(element: Element): () => void {
  observer.observe(element)
  return () => {
    observer.unobserve(element)
    visible.delete(element.id)
    if (section === element.id) section = undefined
  }
}
