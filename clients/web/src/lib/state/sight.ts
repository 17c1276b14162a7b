/**
 * Report whether an element is within a margin around the view, each time that this changes, and that
 * it is when the page is printed. Return the function that ends the watch.
 */
export function watchSight(
  element: Element,
  margin: string,
  report: (near: boolean) => void,
): () => void {
  // A busy browser hands over several changes at once, oldest first: the last one is how it is now.
  const observer = new IntersectionObserver((changes) => report(changes.at(-1)!.isIntersecting), {
    rootMargin: margin,
  })
  observer.observe(element)
  const print = () => report(true)
  addEventListener('beforeprint', print)
  return () => {
    observer.disconnect()
    removeEventListener('beforeprint', print)
  }
}
