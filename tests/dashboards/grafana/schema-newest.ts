// What a board, a panel's options and a field's `custom` may hold in the newest Grafana, by its own types.
import type * as g from '@grafana/schema';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// Lists are looked at one by one.
export interface Board extends Omit<g.Dashboard, 'panels' | 'templating' | 'annotations'> {}
export interface Variable extends g.VariableModel {
  definition: string; // of a query variable
}
export interface Annotation extends Omit<g.AnnotationQuery, 'target'> {
  // Prometheus' own.
  expr: string;
  step: string;
  tagKeys: string;
  textFormat: string;
  titleFormat: string;
  useValueForTime: boolean;
}
export interface Row extends Omit<g.RowPanel, 'panels'> {}
export interface Panel extends Omit<g.Panel, 'fieldConfig'> {}
export interface Field extends g.FieldConfig {}

export interface TimeseriesOptions extends timeseries.Options {}
export interface TimeseriesCustom extends timeseries.FieldConfig {}
export interface TimelineOptions extends timeline.Options {}
export interface TimelineCustom extends timeline.FieldConfig {}
export interface StatOptions extends stat.Options {}
export interface TableOptions extends table.Options {}
export interface TableCustom extends table.FieldConfig {}
