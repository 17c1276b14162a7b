export { default as Bars } from './Bars.svelte'
export { inkOnSigned, seriesColor, signed } from './colors'
export { default as Figure } from './Figure.svelte'
export { refined, type Grid } from './grid'
export { default as HeatMap } from './HeatMap.svelte'
export { default as LineChart } from './LineChart.svelte'
export {
  default as Network,
  edgePath,
  strokeOf,
  type EdgeLook,
  type Ends,
  type Place,
  type UnitLook,
} from './Network.svelte'
export {
  default as NetworkDiagram,
  type DiagramLayer,
  type Selection,
} from './NetworkDiagram.svelte'
export { default as Plane } from './Plane.svelte'
export {
  extent,
  horizontal,
  nearest,
  scale,
  spread,
  tickLabel,
  type Domain,
  type Kind,
  type Scale,
} from './scale'
export { default as SvgText } from './SvgText.svelte'
export { seriesTable, type Cell, type Series, type Table } from './table'
export { default as TableView } from './TableView.svelte'
