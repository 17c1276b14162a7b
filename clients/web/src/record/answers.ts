/**
 * The service within a file of a run: it answers the requests of the page's components, with stored
 * numbers and with predictions that it computes from the weights.
 */
import type { Schemas } from '@epochal/client'
import { forward, widths, type Network, type Parameters } from '../bench/forward'
import { gridOf } from '../bench/maps'
import { specAfter } from '../job/changes'
import { lastUpTo } from '../job/columns'
import type { Seen } from '../job/seen'
import { layerName } from '../job/texts'
import { toNumber, toNumbers } from '../lib/api/numbers'
import { answerFor, type Fields } from '../lib/api/stored'
import { lossOf } from './losses'

type Bounds = Schemas['BoundsSpec']

/** Stored weights: safetensors files without the header that they have in common. */
interface Weights {
  epochs: number[]
  /** Stored epochs that had no room in the file. */
  left_out: number
  sha256?: string[]
  header?: string
  data?: string
}

export interface RunFile {
  exported_at: string
  version: string
  job: Schemas['Job']
  curve: Schemas['Curve']
  samples: Seen | null
  /** The rectangle of maps, for two inputs. */
  bounds: Bounds | null
  kernels: string[]
  weights: Weights | null
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))

interface Tensor {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

export class Answers {
  readonly #header: Uint8Array<ArrayBuffer>
  readonly #data: Uint8Array<ArrayBuffer>
  readonly #size: number
  /** Stored epochs with weights in the file. */
  readonly epochs: readonly number[]
  /** Whether predictions are computed here. */
  readonly computes: boolean

  constructor(readonly file: RunFile) {
    const { job, weights } = file
    this.#header = bytesOf(weights?.header ?? '')
    this.#data = bytesOf(weights?.data ?? '')
    this.epochs = weights?.epochs ?? []
    this.#size = this.#data.length / Math.max(this.epochs.length, 1)
    const { network } = job.spec
    this.computes =
      this.epochs.length > 0 && 'layers' in network && widths(network as Network) !== undefined
  }

  /** Answer the requests about the run, and about its data. */
  register(): void {
    const { job } = this.file
    const answer = (method: string, path: string, fields: Fields) => {
      const reply = this.answer(`${method} ${path.replace('/v1/jobs/{id}', '')}`, fields)
      return reply === undefined ? undefined : JSON.stringify(reply)
    }
    answerFor(job.id, answer, this.epochs)
    // The columns of a table are not in the file: its features are.
    if ('id' in job.spec.dataset) answerFor(job.spec.dataset.id, () => undefined)
  }

  answer(what: string, fields: Fields): object | undefined {
    const { job, curve } = this.file
    if (what === 'GET ') return job
    if (what === 'GET /curve') return curve
    if (!this.computes) return undefined
    const epoch = this.#stored(fields['epoch'])
    if (what === 'GET /sample-predictions') return this.#samples(epoch)
    if (what === 'POST /predict') return this.#predict(epoch, fields)
    if (what === 'POST /unit-maps') return this.#unitMaps(epoch, Number(fields['resolution'] ?? 32))
    return undefined
  }

  /** The file of the weights of an epoch, as the service has it. */
  blob(index: number): Uint8Array<ArrayBuffer> {
    const blob = new Uint8Array(this.#header.length + this.#size)
    blob.set(this.#header)
    blob.set(this.#part(index), this.#header.length)
    return blob
  }

  #part(index: number): Uint8Array<ArrayBuffer> {
    return this.#data.subarray(index * this.#size, (index + 1) * this.#size)
  }

  /** The last stored epoch up to one, or the epoch that the run answers with. */
  #stored(epoch: unknown): number {
    const { best } = this.file.job
    const otherwise = best?.is_restored ? best.epoch : this.epochs.at(-1)!
    return this.epochs[lastUpTo(this.epochs, typeof epoch === 'number' ? epoch : otherwise)]!
  }

  network(epoch: number): Network {
    return specAfter(this.file.job.spec, epoch).network as Network
  }

  /** https://huggingface.co/docs/safetensors: a length, a header in JSON, the arrays. */
  parameters(epoch: number): Parameters {
    const header = JSON.parse(new TextDecoder().decode(this.#header.subarray(8))) as Record<
      string,
      Tensor
    >
    const part = this.#part(this.epochs.indexOf(epoch))
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength)
    return new Map(
      Object.entries(header)
        .filter(([name]) => name !== '__metadata__')
        .map(
          ([
            name,
            {
              dtype,
              data_offsets: [from, to],
            },
          ]) => {
            const size = dtype === 'F64' ? 8 : 4
            const at = (i: number) =>
              size === 8 ? view.getFloat64(from + 8 * i, true) : view.getFloat32(from + 4 * i, true)
            return [name, Float32Array.from({ length: (to - from) / size }, (_, i) => at(i))]
          },
        ),
    )
  }

  #outputs(epoch: number, rows: readonly (readonly number[])[]): number[][] {
    const inputs = Float32Array.from(rows.flat())
    const all = forward(this.network(epoch), this.parameters(epoch), inputs, rows.length)
    return rowsOf(all.at(-1)!, rows.length)
  }

  #classOf(outputs: readonly number[]): number {
    if (outputs.some(Number.isNaN)) return -1
    if (outputs.length > 1) return outputs.indexOf(Math.max(...outputs))
    return outputs[0]! >= (this.file.job.spec.loss === 'hinge' ? 0 : 0.5) ? 1 : 0
  }

  #predict(epoch: number, fields: Fields): object | undefined {
    const grid = fields['grid'] as (Bounds & { resolution: number }) | undefined
    const given = fields['inputs'] as number[][] | undefined
    if (!grid && !given) return undefined
    const rows = grid ? pointsOf(grid, grid.resolution) : given!
    const outputs = this.#outputs(epoch, rows)
    const names = this.file.samples?.class_names ?? []
    const classes = names.length ? outputs.map((row) => this.#classOf(row)) : []
    return {
      epoch,
      outputs,
      output_shape: [outputs[0]!.length],
      classes,
      labels: classes.map((index) => names[index] ?? ''),
      target_names: [],
      ...axesOf(grid, grid?.resolution ?? 0),
    }
  }

  #samples(epoch: number): Seen | undefined {
    const { samples: seen, job } = this.file
    if (!seen?.samples.length) return undefined
    const rows = seen.samples.map(({ inputs }) => toNumbers(inputs))
    const outputs = this.#outputs(epoch, rows)
    const parameters = this.parameters(epoch)
    const [shift, scale] = ['shift', 'scale'].map((n) => parameters.get(`target_scaling.${n}`))
    // Losses are of the numbers that the network was trained with.
    const trained = (values: readonly number[]) =>
      values.map((value, i) =>
        shift && scale ? (value - shift[i % shift.length]!) / scale[i % scale.length]! : value,
      )
    const samples = seen.samples.map((sample, i) => {
      const predicted = seen.class_names.length ? this.#classOf(outputs[i]!) : -1
      return {
        ...sample,
        outputs: outputs[i]!,
        predicted_class: predicted < 0 ? null : predicted,
        loss: lossOf(
          job.spec.loss,
          job.spec.loss_options ?? {},
          trained(outputs[i]!),
          trained(toNumbers(sample.target)),
        ),
      }
    })
    return { ...seen, epoch, samples }
  }

  #unitMaps(epoch: number, resolution: number): object | undefined {
    const { bounds } = this.file
    if (!bounds) return undefined
    const network = this.network(epoch)
    const rows = pointsOf(bounds, resolution)
    const inputs = Float32Array.from(rows.flat())
    const layers = forward(network, this.parameters(epoch), inputs, rows.length)
    return {
      epoch,
      ...axesOf(bounds, resolution),
      layers: layers.flatMap((outputs, i) => {
        if (network.layers[i]!.type === 'dropout') return []
        const units = outputs.length / rows.length
        const column = (unit: number) =>
          Array.from({ length: rows.length }, (_, row) => outputs[row * units + unit]!)
        return {
          name: layerName(network.layers, i),
          units: Array.from({ length: units }, (_, unit) => column(unit)),
        }
      }),
    }
  }
}

const numbersOf = ({ x_min, x_max, y_min, y_max }: Bounds) =>
  [x_min, x_max, y_min, y_max].map(toNumber)

function pointsOf(bounds: Bounds, resolution: number): number[][] {
  const { inputs, rows } = gridOf(numbersOf(bounds), resolution)
  return rowsOf(inputs, rows)
}

/** The positions of a grid along both axes. */
function axesOf(bounds: Bounds | undefined, resolution: number): { x: number[]; y: number[] } {
  if (!bounds) return { x: [], y: [] }
  const [left, right, bottom, top] = numbersOf(bounds) as [number, number, number, number]
  const along = (low: number, high: number) =>
    Array.from({ length: resolution }, (_, i) => low + (i / (resolution - 1)) * (high - low))
  return { x: along(left, right), y: along(bottom, top) }
}

function rowsOf(values: Float32Array, rows: number): number[][] {
  const width = values.length / rows
  return Array.from({ length: rows }, (_, row) => [
    ...values.subarray(row * width, (row + 1) * width),
  ])
}
