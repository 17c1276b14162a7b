/** Sources as people write them: what of their text can be followed. */

export interface Part {
  text: string
  href?: string
}

const REFERENCE = /(?<doi>doi:\s?(10\.\d{4,}\/[^\s,;]+))|(?<arxiv>arXiv:\s?(\d{4}\.\d{4,5}))/g

/** `…, arXiv:1706.03762` has a last part that leads to the paper. */
export function parts(source: string): Part[] {
  const found: Part[] = []
  let from = 0
  for (const match of source.matchAll(REFERENCE)) {
    if (match.index > from) found.push({ text: source.slice(from, match.index) })
    // A full stop after it ends the sentence, not the name.
    const text = match[0].replace(/\.$/, '')
    const id = (match[2] ?? match[4])!.replace(/\.$/, '')
    found.push({
      text,
      href: match.groups?.doi ? `https://doi.org/${id}` : `https://arxiv.org/abs/${id}`,
    })
    from = match.index + text.length
  }
  if (from < source.length) found.push({ text: source.slice(from) })
  return found
}
