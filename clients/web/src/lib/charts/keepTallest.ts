/** An attachment that keeps a part of a figure as high as it has been, so that what stands below it rests. */
export function keepTallest(): (element: HTMLElement) => () => void {
  return (element) => {
    let [width, tallest] = [0, 0]
    const observer = new ResizeObserver(() => {
      if (element.clientWidth !== width) {
        // Text of another width has another height.
        width = element.clientWidth
        tallest = 0
        element.style.minHeight = ''
      }
      if (element.clientHeight <= tallest) return
      tallest = element.clientHeight
      element.style.minHeight = `${tallest}px`
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      element.style.minHeight = ''
    }
  }
}
