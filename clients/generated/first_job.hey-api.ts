/** The first job of the README, through the client that @hey-api/openapi-ts generates. */

import { createJob, getJob, type TrainingSpec } from './hey-api/index.js'
import { client } from './hey-api/client.gen.js'

client.setConfig({ baseUrl: process.argv[2] })

const spec: TrainingSpec = {
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
}

let { data: job } = await createJob({ body: spec, throwOnError: true })
while (job.state === 'queued' || job.state === 'running') {
  await new Promise((resolve) => setTimeout(resolve, 100))
  job = (await getJob({ path: { id: job.id }, throwOnError: true })).data
}
console.log(job.id, job.state, job.latest?.train_loss)
