/**
 * Title and lead of each section, by slug. The service returns the same texts from
 * `GET /course/v1/sections`; the page reads the file when it is built, so it shows them at once.
 */
import titles from '../../../../service/epochal_course/content/titles.json'

export default titles
