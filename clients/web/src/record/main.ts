import '../styles/base.css'
import '../styles/utilities.css'

import { mount } from 'svelte'

import { leaveAddress } from '../lib/state/url.svelte'
import { Answers, type RunFile } from './answers'
import Record from './Record.svelte'

leaveAddress()
/** For the console of a browser: `epochal.answers.answer('POST /predict', { inputs: [[0, 1]] })`. */
export const answers = new Answers(
  JSON.parse(document.getElementById('run')!.textContent!) as RunFile,
)
answers.register()
mount(Record, { target: document.getElementById('app')!, props: { answers } })
