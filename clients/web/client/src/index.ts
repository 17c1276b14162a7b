export { body, Client, type Options } from './client.js'
export { Job } from './job.js'
export {
  ApiProblem,
  asProblem,
  isAbort,
  problemOf,
  unreachable,
  type FieldProblem,
} from './problem.js'
export type { Paths, Query, Schemas, Spec } from './types.js'
export {
  readEvents,
  watch,
  type ExperimentEvents,
  type Handlers,
  type JobEvents,
  type Status,
  type Watch,
  type WatchOptions,
} from './watch.js'
