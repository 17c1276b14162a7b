import './lib/api/link'
import './styles/base.css'
import './styles/utilities.css'

import { mount } from 'svelte'

import App from './App.svelte'

mount(App, { target: document.getElementById('app')! })
