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
  watchJobs,
  type ExperimentEvents,
  type Handlers,
  type JobEvents,
  type JobsEvents,
  type JobsHandlers,
  type Status,
  type Watch,
  type WatchedJobs,
  type WatchOptions,
} from './watch.js'
