/** The methods of an OpenAPI document, as the reference shows and finds them. */

export interface Schema {
  $ref?: string
  type?: string
  description?: string
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly Schema[]
  oneOf?: readonly Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  required?: readonly string[]
  contentSchema?: Schema
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
}

interface Content {
  schema: Schema
  example?: unknown
  examples?: Record<string, { value: unknown }>
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description?: string
  schema: Schema
}

interface Described {
  tags: readonly [string]
  summary: string
  description: string
  operationId: string
  parameters?: readonly Parameter[]
  requestBody?: { content: Record<string, Content> }
  responses: Record<string, { description: string; content?: Record<string, Content> }>
}

export interface OpenApi {
  info: { version: string; summary: string; description: string }
  tags: readonly { name: string; description: string }[]
  paths: Record<string, Record<string, Described>>
  components: { schemas: Record<string, Schema> }
}

export interface Operation extends Described {
  verb: string
  path: string
  tag: string
  /** Name of the method on gRPC. */
  rpc: string
  searchText: string
}

const nameOf = (reference: string) => reference.slice(reference.lastIndexOf('/') + 1)

export function operationsOf({ paths, components }: OpenApi): Operation[] {
  return Object.entries(paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, described]) => {
      const { tags, summary, description, operationId, parameters = [] } = described
      const rpc = operationId.replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())
      const models = [...bodiesOf(described), ...repliesOf(described)].flatMap(({ schema }) =>
        schema ? modelsIn(schema) : [],
      )
      const fields = models.flatMap((model) =>
        Object.keys(components.schemas[model]?.properties ?? {}),
      )
      const names = parameters.map(({ name }) => name)
      const text = [verb, path, rpc, summary, description, ...names, ...models, ...fields]
      const searchText = text.join(' ').toLowerCase()
      return { ...described, verb: verb.toUpperCase(), path, tag: tags[0], rpc, searchText }
    }),
  )
}

/** Whether the method has all words of the query. */
export function matches({ searchText }: Operation, query: string): boolean {
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => searchText.includes(word))
}

/** The media types of the request, each with its examples by name. */
export function bodiesOf({ requestBody }: Pick<Described, 'requestBody'>) {
  return Object.entries(requestBody?.content ?? {}).map(
    ([media, { schema, example, examples = {} }]) => ({
      media,
      schema,
      examples: [
        ...Object.entries(examples).map(([name, { value }]) => ({ name, value })),
        ...(example === undefined ? [] : [{ name: 'Example', value: example }]),
      ],
    }),
  )
}

/** The schemas of the successful reply, and of the events if it can be a stream. */
export function repliesOf({ responses }: Pick<Described, 'responses'>) {
  return Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([status, { description, content }]) =>
      Object.entries(content ?? { '': { schema: undefined } }).map(([media, { schema }]) => ({
        status,
        media,
        description,
        schema: schema?.contentSchema ?? schema,
      })),
    )
}

/** The type in words: `integer in [1, 64]`, `list of DenseSpec`, `"adam" or "sgd"`. */
export function typeOf(schema: Schema): string {
  const { $ref, items, additionalProperties: values } = schema
  if ($ref) return nameOf($ref) === 'Number' ? 'number' : nameOf($ref)
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return [...new Set(choices.map(typeOf))].join(' or ')
  if (schema.type === 'array') return items ? `list of ${grouped(typeOf(items))}` : 'list'
  if (typeof values === 'object') return `object of ${grouped(typeOf(values))}`
  return [schema.type ?? 'any value', ...rangeOf(schema)].join(' ')
}

const grouped = (type: string) => (type.includes(' or ') ? `(${type})` : type)

function rangeOf(schema: Schema): string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  const low = minimum ?? exclusiveMinimum
  const high = maximum ?? exclusiveMaximum
  if (low === undefined && high === undefined) return []
  if (high === undefined) return [minimum === undefined ? `> ${low}` : `≥ ${low}`]
  if (low === undefined) return [maximum === undefined ? `< ${high}` : `≤ ${high}`]
  return [
    `in ${minimum === undefined ? '(' : '['}${low}, ${high}${maximum === undefined ? ')' : ']'}`,
  ]
}

/** The names of the models to which a schema refers itself. */
export function modelsIn({ $ref, items, anyOf, oneOf, additionalProperties }: Schema): string[] {
  if ($ref) return nameOf($ref) === 'Number' ? [] : [nameOf($ref)]
  const parts = [...(anyOf ?? []), ...(oneOf ?? []), ...(items ? [items] : [])]
  if (typeof additionalProperties === 'object') parts.push(additionalProperties)
  return [...new Set(parts.flatMap(modelsIn))]
}

/** Text of a request body with this value. */
export const bodyText = (value: unknown) =>
  typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)

/** The request as a command for a shell. */
export function command(
  verb: string,
  url: string,
  headers: Record<string, string>,
  body?: string,
): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
  const isUsual = verb === (body === undefined ? 'GET' : 'POST')
  return [
    `curl ${isUsual ? '' : `-X ${verb} `}${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`--data-binary ${quoted(body)}`]),
  ].join(' \\\n  ')
}
