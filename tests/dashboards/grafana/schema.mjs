// `node schema.mjs 9.4|newest BOARD.json…`: prints what the types of @grafana/schema do not allow, a line each.
//
// The packages carry TypeScript, no JSON schema, so it is derived from the types. They mark all that has a default as
// required, so nothing is.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const [version, ...files] = process.argv.slice(2);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const generator = createGenerator({
  path: here(`schema-${version}.ts`),
  tsconfig: here('tsconfig.json'),
  additionalProperties: false,
  expose: 'none', // all inside each other: the packages have several types of one name
  skipTypeCheck: true,
});
const ajv = new Ajv({ strict: false, allErrors: true });
const validators = new Map();

function validator(type) {
  if (!validators.has(type)) {
    const text = JSON.stringify(generator.createSchema(type));
    validators.set(type, ajv.compile(JSON.parse(text, (key, value) => (key === 'required' ? undefined : value))));
  }
  return validators.get(type);
}

// Panel type → [its options, its fields' custom]; the newest's alert list is not among the types.
const PANELS = {
  stat: ['StatOptions'],
  'state-timeline': ['TimelineOptions', 'TimelineCustom'],
  table: ['TableOptions', 'TableCustom'],
  timeseries: ['TimeseriesOptions', 'TimeseriesCustom'],
};

function* faults(type, value, where) {
  const validate = validator(type);
  if (validate(value)) return;
  for (const { instancePath, message, params } of validate.errors) {
    yield `${where}${instancePath}: ${message} ${JSON.stringify(params)}`;
  }
}

function* ofPanel(panel) {
  const [options, custom] = PANELS[panel.type] ?? [];
  if (options) yield* faults(options, panel.options, `${panel.title}: options`);
  const { fieldConfig: { defaults, overrides = [] } = {}, ...rest } = panel;
  yield* faults('Panel', rest, panel.title);
  for (const properties of [defaults ?? {}, ...overrides.map(asField)]) {
    yield* faults('Field', properties, `${panel.title}: field`);
    if (custom) yield* faults(custom, properties.custom ?? {}, `${panel.title}: custom`);
  }
}

// An override's properties as the field that they make: {id: 'custom.width', value: 80} is {custom: {width: 80}}.
function asField({ properties }) {
  const field = {};
  for (const { id, value } of properties) {
    const [name, inside] = id.split('.');
    if (inside) (field[name] ??= {})[inside] = value;
    else field[name] = value;
  }
  return field;
}

function* ofBoard({ panels, templating, annotations, ...board }) {
  yield* faults('Board', board, 'board');
  for (const variable of templating.list) yield* faults('Variable', variable, `$${variable.name}`);
  for (const annotation of annotations.list) yield* faults('Annotation', annotation, annotation.name);
  for (const { panels: inside = [], ...panel } of panels) {
    yield* panel.type === 'row' ? faults('Row', panel, panel.title) : ofPanel(panel);
    for (const panel of inside) yield* ofPanel(panel);
  }
}

// The first threshold is at -Infinity, which JSON writes as null.
const read = (file) => JSON.parse(readFileSync(file, 'utf8'), (key, value) => (key === 'value' && value === null ? undefined : value));

for (const file of files) {
  for (const fault of ofBoard(read(file))) console.log(`${basename(file)}: ${fault}`);
}
