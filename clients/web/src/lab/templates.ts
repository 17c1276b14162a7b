/** Network templates that suit the data. */
import { endingIn, outputFor, type Facts, type Layer, type Loss } from './spec'

export interface Template {
  name: string
  layers: Layer[]
}

type Activation = 'tanh' | 'relu'

export function templates(facts: Facts, loss: Loss, side: number | undefined): Template[] {
  const activation: Activation = facts.features > 8 ? 'relu' : 'tanh'
  const width = facts.features > 8 ? 32 : 8
  const { units, activation: last } = outputFor(loss, facts)
  const deep = (number: number): Layer[] =>
    Array.from({ length: number }, () => ({ type: 'dense', units: width, activation }))
  const match: Template[] = [
    { name: 'none', layers: [] },
    { name: 'one', layers: deep(1) },
    { name: 'two', layers: deep(2) },
    { name: 'six', layers: deep(6) },
  ]
  if (side && side >= 4) {
    match.push({
      name: 'convolution',
      layers: [
        { type: 'reshape', shape: [side, side, 1] },
        { type: 'conv2d', filters: 8, kernel_size: [3, 3], padding: 'same', activation: 'relu' },
        { type: 'max_pool2d', pool_size: [2] },
        { type: 'flatten' },
      ],
    })
  }
  return match.map(({ name, layers }) => ({
    name,
    layers: endingIn([...layers, { type: 'dense', units }], units, last),
  }))
}
