/** The class of this browser's API key. Outside of a class, no answer of a reader is sent. */
import { api } from '../api/client'
import type { Schemas } from '../api'
import { hasLinkKey, savedKey } from '../api/key'
import { body } from '@epochal/client'
import { hasCourse } from './course'

type SchoolClass = Schemas['SchoolClass']
type Answer = Schemas['Answer']

let known = $state.raw<SchoolClass>()
let request: Promise<SchoolClass | undefined> | undefined

async function load(): Promise<SchoolClass | undefined> {
  if (!hasCourse || !savedKey() || hasLinkKey()) return undefined
  try {
    const row = await body(api.GET('/course/v1/class', {}))
    if (row.role !== 'none') known = row
  } catch {
    // The service does not answer: the page is the same without a class.
  }
  return known
}

export const classroom = {
  /** The class, once the service has answered; undefined without one. */
  get current(): SchoolClass | undefined {
    void classroom.loaded()
    return known
  },
  loaded: () => (request ??= load()),
  /** Store answers of a pupil. Throws an `ApiProblem`. */
  async record(answers: Answer[]): Promise<void> {
    known = await body(api.POST('/course/v1/class/answers', { body: { answers } }))
  },
  /** Store the prediction of a pupil in a chapter, or without a choice that it was opened. */
  async predict(item: string, choice?: number): Promise<void> {
    if ((await classroom.loaded())?.role !== 'pupil') return
    const answer: Answer = { part: 'chapter', item, ...(choice !== undefined && { choice }) }
    // A lost prediction is no reason to interrupt a reader.
    await classroom.record([answer]).catch(() => undefined)
  },
  /** Forget what is known, after the class was deleted. */
  forget(): void {
    known = request = undefined
  },
}
