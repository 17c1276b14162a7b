export { default as Bars } from './Bars.svelte'
export { inkOnSigned, seriesColor, signed } from './colors'
export { default as Figure } from './Figure.svelte'
export { default as HeatMap } from './HeatMap.svelte'
export { default as LineChart } from './LineChart.svelte'
export {
  default as Network,
  edgePath,
  strokeOf,
  type EdgeLook,
  type Ends,
  type UnitLook,
} from './Network.svelte'
export { default as NetworkDiagram } from './NetworkDiagram.svelte'
export { default as Plane } from './Plane.svelte'
export { extent, nearest, scale, tickLabel, type Domain, type Kind } from './scale'
export { default as SvgText } from './SvgText.svelte'
export { seriesTable, type Series, type Table } from './table'
export { default as TableView } from './TableView.svelte'
