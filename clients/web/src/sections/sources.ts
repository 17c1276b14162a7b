/** Sources as text, split into plain parts and links. */

export interface Part {
  text: string
  href?: string
}

const REFERENCE = /(?<doi>doi:\s?(10\.\d{4,}\/[^\s,;]+))|(?<arxiv>arXiv:\s?(\d{4}\.\d{4,5}))/g

/** Split a source into parts; a DOI or arXiv number becomes a link. */
export function parts(source: string): Part[] {
  const result: Part[] = []
  let from = 0
  for (const match of source.matchAll(REFERENCE)) {
    if (match.index > from) result.push({ text: source.slice(from, match.index) })
    // A period at the end belongs to the sentence, not to the identifier.
    const text = match[0].replace(/\.$/, '')
    const id = (match[2] ?? match[4])!.replace(/\.$/, '')
    result.push({
      text,
      href: match.groups?.doi ? `https://doi.org/${id}` : `https://arxiv.org/abs/${id}`,
    })
    from = match.index + text.length
  }
  if (from < source.length) result.push({ text: source.slice(from) })
  return result
}
