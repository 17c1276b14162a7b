/** Whether the service serves the course. It marks the page that it sends without one. */
export const hasCourse = document.documentElement.dataset['course'] !== 'off'
