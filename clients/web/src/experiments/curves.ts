/** The curves of the jobs of an experiment as series of one chart. */
import type { Schemas } from '../lib/api'
import { toNumbers } from '../lib/api/numbers'
import { seriesColor } from '../lib/charts/colors'
import type { Series } from '../lib/charts/table'

export interface JobCurve {
  job: string
  series: readonly Schemas['CurveSeries'][]
}

/**
 * One series for each job that has the metric, up to an epoch; of some jobs alone, if they are given.
 * A job's place among all decides its color.
 */
export function seriesOf(
  curves: readonly JobCurve[],
  metric: string,
  upTo = Infinity,
  jobs?: readonly string[],
): (Series & { color: string })[] {
  return curves.flatMap(({ job, series }, i) => {
    const line = series.find((curve) => curve.metric === metric)
    if (!line?.values.length || (jobs && !jobs.includes(job))) return []
    const count = line.epochs.filter((epoch) => epoch <= upTo).length
    return [
      {
        name: job,
        x: line.epochs.slice(0, count),
        y: toNumbers(line.values.slice(0, count)),
        color: seriesColor(i),
        dashed: i > 6,
      },
    ]
  })
}

/** The metrics of the curves, the metrics in `first` before the others. */
export function metricsOf(curves: readonly JobCurve[], first: readonly string[] = []): string[] {
  const present = new Set<string>(curves.flatMap(({ series }) => series.map((line) => line.metric)))
  return [...first.filter((metric) => present.delete(metric)), ...present]
}

/** The last epoch of the curves of these metrics; 1 without any. */
export function lastEpoch(curves: readonly JobCurve[], metrics: readonly string[]): number {
  const lines = curves.flatMap(({ series }) =>
    series.filter((line) => metrics.includes(line.metric)),
  )
  return Math.max(1, ...lines.map((line) => line.epochs.at(-1) ?? 1))
}
