/** Export of a figure: all vector and pixel layers in one SVG with fixed colors. */
import { resolve as colorOf } from './colors'

const STYLES = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'stroke-opacity',
  'opacity',
  'font-family',
  'font-size',
  'font-weight',
  'font-style',
  'text-anchor',
  'dominant-baseline',
  'paint-order',
  'visibility',
  'display',
]
const SVG = 'http://www.w3.org/2000/svg'

/** Combine all `svg` and `canvas` layers of `root` into one SVG of the same size. */
export function toSvg(root: HTMLElement, title: string): string {
  const frame = root.getBoundingClientRect()
  const picture = document.createElementNS(SVG, 'svg')
  picture.setAttribute('xmlns', SVG)
  picture.setAttribute('width', String(frame.width))
  picture.setAttribute('height', String(frame.height))
  picture.setAttribute('viewBox', `0 0 ${frame.width} ${frame.height}`)
  const name = document.createElementNS(SVG, 'title')
  name.textContent = title
  const paper = document.createElementNS(SVG, 'rect')
  paper.setAttribute('width', '100%')
  paper.setAttribute('height', '100%')
  paper.setAttribute('fill', `rgb(${colorOf(root, 'var(--paper)').join()})`)
  picture.append(name, paper)
  for (const layer of root.querySelectorAll<SVGSVGElement | HTMLCanvasElement>('svg, canvas')) {
    if (layer.parentElement?.closest('svg')) continue
    const box = layer.getBoundingClientRect()
    const copy = layer instanceof HTMLCanvasElement ? pixels(layer) : styled(layer)
    copy.setAttribute('x', String(box.x - frame.x))
    copy.setAttribute('y', String(box.y - frame.y))
    copy.setAttribute('width', String(box.width))
    copy.setAttribute('height', String(box.height))
    picture.append(copy)
  }
  return new XMLSerializer().serializeToString(picture)
}

function pixels(canvas: HTMLCanvasElement): SVGElement {
  const image = document.createElementNS(SVG, 'image')
  const hard = getComputedStyle(canvas).imageRendering === 'pixelated'
  image.setAttribute('href', (hard ? enlarged(canvas) : canvas).toDataURL())
  image.setAttribute('preserveAspectRatio', 'none')
  return image
}

/** Enlarge each pixel to a square, because image viewers smooth small images. */
function enlarged(canvas: HTMLCanvasElement, factor = 2): HTMLCanvasElement {
  const large = document.createElement('canvas')
  large.width = Math.max(Math.round(canvas.clientWidth * factor), canvas.width)
  large.height = Math.max(Math.round(canvas.clientHeight * factor), canvas.height)
  const context = large.getContext('2d')!
  context.imageSmoothingEnabled = false
  context.drawImage(canvas, 0, 0, large.width, large.height)
  return large
}

function styled(layer: SVGSVGElement): SVGElement {
  const copy = layer.cloneNode(true) as SVGSVGElement
  const from = [layer, ...layer.querySelectorAll('*')]
  const to = [copy, ...copy.querySelectorAll('*')]
  from.forEach((element, i) => {
    const style = getComputedStyle(element)
    const target = to[i]!
    for (const property of STYLES) target.setAttribute(property, style.getPropertyValue(property))
    for (const name of ['class', 'style', 'tabindex', 'role']) target.removeAttribute(name)
  })
  for (const tool of copy.querySelectorAll('[data-no-export]')) tool.remove()
  for (const hidden of copy.querySelectorAll('[data-export-only], [data-export-only] *'))
    hidden.setAttribute('visibility', 'visible')
  for (const text of copy.querySelectorAll('[data-export-text]'))
    text.textContent = text.getAttribute('data-export-text')
  return copy
}

/** PNG at twice the size on the screen. */
export async function toPng(svg: string, factor = 2): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }))
  try {
    const image = new Image()
    image.src = url
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = image.width * factor
    canvas.height = image.height * factor
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height)
    return await new Promise((resolve, reject) =>
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The image is too large')))),
    )
  } finally {
    URL.revokeObjectURL(url)
  }
}

export function save(name: string, content: Blob | string, type = 'text/plain'): void {
  const url = URL.createObjectURL(
    typeof content === 'string' ? new Blob([content], { type }) : content,
  )
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
