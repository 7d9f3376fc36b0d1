// `node transform.mjs 9.4|newest <PANELS`: what the panels' transformations make of Prometheus' answers, as JSON.
//
// A panel is {transformations, answers: {refId: series of an instant query}}, what comes back {name: values} for each
// column, in their order.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [version] = process.argv.slice(2);
const grafana = createRequire(import.meta.url)(version === 'newest' ? '@grafana/data' : `data-${version}`);

globalThis.window = globalThis; // the newest looks there for a scene that it is part of

// Some stand there under two names.
const transformers = new Set(Object.values(grafana.standardTransformers));
grafana.standardTransformersRegistry.setInit(() =>
  [...transformers].map((transformer) => ({
    id: transformer.id,
    name: transformer.name,
    // The newest loads them when they are needed.
    transformation: version === 'newest' ? async () => transformer : transformer,
  }))
);

// As the Prometheus data source of 12.2 makes a table of an instant query: without series it has a head, and a single
// one has not even that.
function frames(answers) {
  const found = Object.entries(answers);
  if (found.length === 1 && !found[0][1].length) return [grafana.toDataFrame({ refId: found[0][0], fields: [] })];
  return found.map(([refId, series]) => {
    const labels = [...new Set(series.flatMap(({ metric }) => Object.keys(metric).sort()))];
    const value = found.length > 1 ? `Value #${refId}` : 'Value';
    const fields = [
      { name: 'Time', type: 'time', values: series.map((one) => one.value[0] * 1000) },
      ...labels.map((label) => ({ name: label, type: 'string', values: series.map(({ metric }) => metric[label] ?? '') })),
      { name: value, type: 'number', values: series.map((one) => Number(one.value[1])) },
    ];
    return grafana.toDataFrame({ refId, fields, meta: { preferredVisualisationType: 'table' } });
  });
}

const transformed = ({ transformations, answers }) =>
  new Promise((resolve, reject) => {
    grafana.transformDataFrame(transformations, frames(answers)).subscribe({ next: resolve, error: reject });
  });

function columns(frame) {
  const shown = frame?.fields.map((field) => [field.config.displayName ?? field.name, Array.from(field.values.toArray?.() ?? field.values)]);
  return Object.fromEntries(shown ?? []);
}

const panels = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(await Promise.all(panels.map(async (panel) => (await transformed(panel)).map(columns)))));
