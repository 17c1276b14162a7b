export { listed, simulate, simulated, type Simulation } from './asked.svelte'
export { api, body, connect, type Query, type Schemas } from './client'
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
export { ApiProblem, asProblem, isAbort, type FieldProblem } from './problem'
export { isStored, storeReplies } from './stored'
export { watch, watchExperiment, watchJob, type JobEvents, type Status, type Watch } from './watch'
