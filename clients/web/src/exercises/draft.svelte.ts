/** The jobs of an exercise while their open fields are edited. */
import type { ApiProblem, Schemas } from '../lib/api'
import { blamed, messageAt, setAt, type Bench, type Path } from '../lab/spec'

type Jobs = Schemas['ExperimentSpec']['jobs']

export class Draft implements Bench {
  jobs = $state.raw<Jobs>({})
  problem = $state.raw<ApiProblem>()

  /** `prefix` is the path of the jobs in the request, which errors name. */
  constructor(
    jobs: Jobs,
    readonly prefix: Path = [],
  ) {
    this.jobs = jobs
  }

  /** Paths begin with `jobs`. */
  set(path: Path, value: unknown): void {
    this.jobs = setAt({ jobs: this.jobs }, path, value).jobs
  }

  messageAt(path: Path): string | undefined {
    return messageAt(this.problem, [...this.prefix, ...path])
  }

  blamed(path: Path): boolean {
    return blamed(this.problem, [...this.prefix, ...path])
  }
}
