import { getContext, setContext } from 'svelte'

import type { SectionEntry } from '../../sections'

const KEY = 'chapter'

/** The context of the parts of a chapter. */
export interface Chapter {
  entry: SectionEntry
  /** Whether more than the first screen is shown. */
  fold: { open: boolean }
}

export const provideChapter = (chapter: Chapter): Chapter => setContext(KEY, chapter)
export const chapter = (): Chapter => getContext(KEY)

/** The title of each part below the first screen of a chapter, in order, by the end of its address. */
export const partsOf = ({ parts }: SectionEntry): Readonly<Record<string, string>> => parts
