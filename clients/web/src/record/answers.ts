/**
 * The service within a file of a run: it answers the requests of the page's components, with stored
 * numbers and with predictions that it computes from the weights.
 */
import type { Schemas } from '@epochal/client'
import { widths, type Network, type Parameters } from '../bench/forward'
import { specAfter } from '../job/changes'
import { lastUpTo } from '../job/columns'
import { predicted, sampled, unitMaps, type Bounds, type Trained } from '../job/replies'
import type { Seen } from '../job/seen'
import { answerFor, type Fields } from '../lib/api/stored'

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
    const { samples, bounds } = this.file
    const trained = this.#trained(this.#stored(fields['epoch']))
    if (what === 'GET /sample-predictions')
      return samples?.samples.length ? sampled(trained, samples) : undefined
    if (what === 'POST /predict') return predicted(trained, fields, samples?.class_names)
    if (what === 'POST /unit-maps')
      return bounds ? unitMaps(trained, bounds, Number(fields['resolution'] ?? 32)) : undefined
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

  #trained(epoch: number): Trained {
    const { spec } = this.file.job
    return { epoch, spec, network: this.network(epoch), parameters: this.parameters(epoch) }
  }
}
