/** What a page offers where stored results do not suffice: to train the model that they are of. */
import { getContext, setContext } from 'svelte'

const KEY = Symbol('training')

/** Offer the training to the components below the one that initializes. */
export const offerTraining = (train: () => void): void => void setContext(KEY, train)

export const trainingOf = (): (() => void) | undefined => getContext(KEY)
