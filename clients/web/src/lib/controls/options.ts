/** The options of a select box or of radio buttons. */
interface Option<V extends string> {
  value: V
  label: string
  /** Select boxes show the options of a group together. */
  group?: string
}

/** The values, with a label where it differs. A record has labels of all its values. */
export type Options<V extends string> =
  readonly (V | Option<V>)[] | { readonly [value in V]?: string }

export function optionsOf<V extends string>(options: Options<V>): Option<V>[] {
  if (!Array.isArray(options))
    return Object.entries(options).map(([value, label]) => ({ value, label }) as Option<V>)
  return (options as readonly (V | Option<V>)[]).map((option) =>
    typeof option === 'string' ? { value: option, label: option.replaceAll('_', ' ') } : option,
  )
}
