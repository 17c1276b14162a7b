/**
 * Write what the OpenAPI document says about the settings in the lab into src/lab/schema.json: for
 * each layer, optimizer, schedule, augmentation, corruption and other part of a spec, the default, bounds and
 * description of its fields; and the metrics of claims.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const { schemas } = JSON.parse(readFileSync(process.argv[2], 'utf8')).components

const referenced = (schema) => schemas[schema.$ref.split('/').at(-1)]

/** Return the fields of each `type` of a union such as the layers of a network. */
function components(union) {
  const types = union.oneOf.map(referenced)
  return Object.fromEntries(types.map((type) => [type.properties.type.const, fieldsOf(type)]))
}

function fieldsOf({ properties }) {
  const names = Object.keys(properties).filter((name) => name !== 'type')
  return Object.fromEntries(names.map((name) => [name, fieldOf(properties[name])]))
}

function fieldOf(schema) {
  const alternatives = schema.anyOf ?? [schema]
  const value = alternatives.find((alternative) => alternative.type !== 'null')
  return {
    type: value.type,
    of: value.items?.type,
    words: value.enum,
    min: value.minimum ?? value.exclusiveMinimum,
    max: value.maximum ?? value.exclusiveMaximum,
    below: value.exclusiveMaximum !== undefined || undefined,
    initial: schema['x-default'],
    optional: alternatives.length > 1 || undefined,
    description: schema.description,
  }
}

const training = schemas.TrainingSpec.properties
const document = {
  layers: components(schemas.NetworkSpec.properties.layers.items),
  optimizers: components(training.optimizer),
  schedules: components(training.schedule),
  augmentations: components(training.augmentation.items),
  corruptions: components(training.corruption.anyOf.find((member) => member.oneOf)),
  parts: {
    loss_options: fieldsOf(schemas.LossOptionsSpec),
    regularization: fieldsOf(schemas.RegularizationSpec),
    clipping: fieldsOf(schemas.ClippingSpec),
    early_stopping: fieldsOf(schemas.EarlyStoppingSpec),
    snapshots: fieldsOf(schemas.SnapshotsSpec),
    claim: fieldsOf(schemas.ClaimSpec),
  },
}
writeFileSync('src/lab/schema.json', JSON.stringify(document))
