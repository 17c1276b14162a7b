/** The first job of the README from a page of any origin, over gRPC-Web: with Connect and the types
 * that protoc-gen-es generates.
 */

import { createClient, type Interceptor } from '@connectrpc/connect'
import { createGrpcWebTransport } from '@connectrpc/connect-web'
import { JobState, Loss, TrainingService } from './epochal/v1/jobs_pb.js'
import { Activation } from './epochal/v1/networks_pb.js'

/** Train the job through the proxy at `url`; returns the job's end and the types of its events. */
export async function train(url: string, key: string) {
  const authorize: Interceptor = (next) => (request) => {
    request.header.set('Authorization', `Bearer ${key}`)
    return next(request)
  }
  const transport = createGrpcWebTransport({ baseUrl: url, interceptors: [authorize] })
  const training = createClient(TrainingService, transport)
  const { id } = await training.createJob({
    spec: {
      network: {
        kind: {
          case: 'inline',
          value: {
            inputShape: [2],
            layers: [
              { type: { case: 'dense', value: { units: 4, activation: Activation.TANH } } },
              { type: { case: 'dense', value: { units: 1, activation: Activation.SIGMOID } } },
            ],
          },
        },
      },
      dataset: { kind: { case: 'builtin', value: { name: 'xor' } } },
      loss: Loss.BINARY_CROSS_ENTROPY,
      epochs: 500,
    },
  })
  const events: string[] = []
  for await (const { event } of training.watchJob({ id })) if (event.case) events.push(event.case)
  const job = await training.getJob({ id })
  return { id, state: JobState[job.state ?? 0], loss: job.latest?.trainLoss, events }
}
