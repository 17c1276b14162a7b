/** The page for a path. The service knows the same paths and serves the page for each. */
import { hasCourse } from './course'
import { addressChanged, settle } from './url.svelte'

export type Route =
  | { page: 'journey' }
  | { page: 'lab' }
  | { page: 'jobs' }
  | { page: 'compare' }
  | { page: 'class' }
  | { page: 'service' }
  | { page: 'docs' }
  | { page: 'job'; id: string }
  | { page: 'experiments' }
  | { page: 'experiment'; id: string }
  | { page: 'newExercise' }
  | { page: 'exercise'; id: string }
  | { page: 'unknown'; path: string }

export function parse(path: string): Route {
  const [first, second, ...rest] = path.split('/').filter(Boolean)
  if (first === undefined) return { page: hasCourse ? 'journey' : 'lab' }
  if (first === 'lab' && second === undefined) return { page: 'lab' }
  if (first === 'class' && second === undefined) return { page: 'class' }
  if (first === 'service' && second === undefined) return { page: 'service' }
  if (first === 'docs' && second === undefined) return { page: 'docs' }
  if (first === 'jobs' && second === undefined) return { page: 'jobs' }
  if (first === 'jobs' && second === 'compare' && rest.length === 0) return { page: 'compare' }
  if (first === 'jobs' && second !== undefined && rest.length === 0) {
    return { page: 'job', id: decodeURIComponent(second) }
  }
  if (first === 'experiments' && second === undefined) return { page: 'experiments' }
  if (first === 'experiments' && second !== undefined && rest.length === 0) {
    return { page: 'experiment', id: decodeURIComponent(second) }
  }
  if (first === 'exercises' && second === 'new' && rest.length === 0) return { page: 'newExercise' }
  if (first === 'exercises' && second !== undefined && rest.length === 0) {
    return { page: 'exercise', id: decodeURIComponent(second) }
  }
  return { page: 'unknown', path }
}

let route = $state.raw<Route>(parse(location.pathname))

function arrive(): void {
  route = parse(location.pathname)
}

export const current = {
  get route(): Route {
    return route
  },
}

/** Go to a path of this page, e.g. `/jobs/job_1?view=weights`, like following a link. */
export function navigate(href: string): void {
  settle()
  history.pushState(null, '', href)
  addressChanged()
  arrive()
  // Move the focus to the new page, for keyboard users and screen readers.
  document.getElementById('main')?.focus({ preventScroll: true })
  if (!location.hash) scrollTo({ top: 0, behavior: 'instant' })
}

/** Follow links between our own pages without a reload. */
function follow(event: MouseEvent): void {
  if (
    event.defaultPrevented ||
    event.button ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  )
    return
  const link = (event.target as Element).closest('a')
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin)
    return
  if (parse(link.pathname).page === 'unknown') return
  // The browser handles links within the current page.
  if (link.hash && link.pathname === location.pathname) return
  event.preventDefault()
  navigate(link.pathname + link.search + link.hash)
}

addEventListener('popstate', arrive)
document.addEventListener('click', follow)
