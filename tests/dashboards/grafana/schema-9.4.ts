// What a board, a panel's options and a field's `custom` may hold in Grafana 9.4, put together of its own types.
import type * as g from 'schema-9.4';

// Lists are looked at one by one.
export interface Board extends Omit<g.Dashboard, 'panels' | 'templating' | 'annotations' | 'refresh'> {
  refresh: string; // or false: of `string | false` the generator sees only the latter
}
export interface Variable extends g.VariableModel {
  // Of a query variable; 9.4 has types only for what all variables share.
  allValue: string;
  current: { selected: boolean; text: string[]; value: string[] };
  definition: string;
  includeAll: boolean;
  multi: boolean;
  options: unknown[];
  refresh: number;
  regex: string;
  sort: number;
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

export interface TimeseriesOptions extends g.OptionsWithLegend, g.OptionsWithTooltip {}
export interface TimeseriesCustom extends g.GraphFieldConfig {}

export interface TimelineOptions extends g.OptionsWithLegend, g.OptionsWithTooltip {
  perPage: number; // is ignored
  alignValue: g.TimelineValueAlignment;
  mergeValues: boolean;
  rowHeight: number;
  showValue: g.VisibilityMode;
}
export interface TimelineCustom extends g.HideableFieldConfig {
  fillOpacity: number;
  lineWidth: number;
}

export interface StatOptions extends g.SingleStatBaseOptions {
  colorMode: g.BigValueColorMode;
  graphMode: g.BigValueGraphMode;
  justifyMode: g.BigValueJustifyMode;
  textMode: g.BigValueTextMode;
}

export interface TableOptions {
  showHeader: boolean;
}
export interface TableCustom extends g.TableFieldOptions {}
