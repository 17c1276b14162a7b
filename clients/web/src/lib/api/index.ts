export { listed, simulate, simulated, type Simulation } from './asked.svelte'
export { api, service, serviceAt } from './client'
export { computed, type Computed } from './computed.svelte'
export { Latest } from './latest'
export {
  bytes,
  count,
  fixed,
  format,
  readable,
  toNumber,
  toNumbers,
  type WireNumber,
} from './numbers'
export { isStored, storeReplies } from './stored'
export {
  ApiProblem,
  asProblem,
  body,
  isAbort,
  problemOf,
  watch,
  type FieldProblem,
  type Handlers,
  type JobEvents,
  type Paths,
  type Query,
  type Schemas,
  type Status,
  type Watch,
} from '@epochal/client'
