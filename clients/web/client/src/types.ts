/** Types of the API, from its OpenAPI documents. */
import type * as course from './course.js'
import type * as training from './schema.js'

export type Paths = training.paths & course.paths
export type Schemas = training.components['schemas'] & course.components['schemas']

/** The query of a method. Where it is built outside of the call, TypeScript needs its type. */
export type Query<Name extends keyof training.operations> = NonNullable<
  training.operations[Name]['parameters']['query']
>

/** A training job, as `POST /v1/jobs` takes it. */
export type Spec = Schemas['TrainingSpec']
