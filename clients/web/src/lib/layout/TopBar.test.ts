// @vitest-environment jsdom
import { mount, unmount } from 'svelte'
import { afterAll, expect, test, vi } from 'vitest'

// Other files of tests may have the same document.
afterAll(() => delete document.documentElement.dataset['course'])

test('without the course the brand and the start page lead to the lab', async () => {
  document.documentElement.dataset['course'] = 'off'
  const observer = { observe: () => undefined }
  vi.stubGlobal('IntersectionObserver', function () {
    return observer
  })
  const { default: TopBar } = await import('./TopBar.svelte')
  const { parse } = await import('../state/route.svelte')
  const shown = mount(TopBar, { target: document.body })
  expect(document.querySelector('.brand')!.getAttribute('href')).toBe('/lab')
  expect(document.querySelector('.brand')!.getAttribute('aria-label')).toBe('Epochal, the lab')
  expect(parse('/')).toEqual({ page: 'lab' })
  await unmount(shown)
})
