import { isCollection, isMap, isScalar, parseDocument, type Pair } from 'yaml';

/** One line of the chart's table of values. */
export interface ChartValue {
  /** Dotted path, for instance `agents.service.type`. */
  readonly path: string;
  /** As it would be written on a command line. */
  readonly fallback: string;
  readonly description: string;
}

const MARK = /^\s*--\s*(.*)$/m;

/** The described values of a chart's values.yaml, in order. Throws, naming it, where a value has no description. */
export function chartValues(valuesYaml: string): ChartValue[] {
  const { contents } = parseDocument(valuesYaml);
  if (!isMap(contents)) throw new Error('values.yaml is no map');
  return valuesOf(contents.items, '');
}

function valuesOf(pairs: readonly Pair[], prefix: string): ChartValue[] {
  return pairs.flatMap((pair, index) => {
    if (!isScalar(pair.key)) throw new Error(`values.yaml: a key under ${prefix} is no word`);
    const path = `${prefix}${String(pair.key.value)}`;
    // The comment of a map's first key belongs to the key, in the document it stands before the map.
    const comment = pair.key.commentBefore ?? (index === 0 ? undefined : '');
    const description = MARK.exec(comment ?? '')?.[1];
    if (description !== undefined) return [{ path, fallback: fallbackOf(pair.value), description }];
    if (isMap(pair.value) && pair.value.items.length > 0) {
      const first = pair.value.items[0];
      if (first !== undefined && isScalar(first.key) && pair.value.commentBefore) {
        first.key.commentBefore = pair.value.commentBefore;
      }
      return valuesOf(pair.value.items, `${path}.`);
    }
    throw new Error(`values.yaml: ${path} has no line "# -- …" that says what it is`);
  });
}

function fallbackOf(value: unknown): string {
  if (isCollection(value) || isScalar(value)) return JSON.stringify(value.toJSON());
  return JSON.stringify(value ?? null);
}

/** The table as Markdown. */
export function valuesTable(values: readonly ChartValue[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = values.map(
    ({ path, fallback, description }) => `| \`${path}\` | \`${cell(fallback)}\` | ${cell(description)} |`,
  );
  return ['| Value | Default | What it is |', '| --- | --- | --- |', ...rows].join('\n');
}
