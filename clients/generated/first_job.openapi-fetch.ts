/** The first job of the README, through openapi-fetch and the types that openapi-typescript generates. */

import createClient from 'openapi-fetch'
import type { paths } from './openapi-typescript/schema.js'

const client = createClient<paths>({ baseUrl: process.argv[2] })

const created = await client.POST('/v1/jobs', {
  body: {
    network: {
      input_shape: [2],
      layers: [
        { type: 'dense', units: 4, activation: 'tanh' },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    },
    dataset: { name: 'xor' },
    loss: 'binary_cross_entropy',
    epochs: 500,
  },
})
if (created.error) throw new Error(created.error.detail)

let job = created.data
while (job.state === 'queued' || job.state === 'running') {
  await new Promise((resolve) => setTimeout(resolve, 100))
  const reply = await client.GET('/v1/jobs/{id}', { params: { path: { id: job.id } } })
  if (reply.error) throw new Error(reply.error.detail)
  job = reply.data
}
console.log(job.id, job.state, job.latest?.train_loss)
