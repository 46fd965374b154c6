import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { chartValues, valuesTable } from '../../../scripts/chart-values.ts';

const alertSchema = z.array(
  z.object({
    alert: z.string().regex(/^Nixfleet[A-Za-z]+$/),
    expr: z.string(),
    for: z.string(),
    severity: z.enum(['warning', 'critical']),
    summary: z.string().endsWith('.'),
    description: z.string().endsWith('.'),
  }),
);
const alerts = alertSchema.parse(
  parse(readFileSync('charts/nixfleet-operator/files/alerts.yaml', 'utf8')) as unknown,
);

describe('alerts', () => {
  it('have a runbook each, and no runbook is for an alert that is gone', () => {
    const headings = readFileSync('docs/operate.md', 'utf8').matchAll(/^### (Nixfleet\w+)$/gm);
    expect([...headings].map(([, name]) => name)).toEqual(alerts.map(({ alert }) => alert));
  });

  it.for(alerts.map(({ alert, expr }) => [alert, expr] as const))(
    '%s looks at metrics that the operator has, of this installation only',
    ([, expr]) => {
      const registered = metricNames();
      const selectors = [...expr.matchAll(/([a-z][a-z0-9_]+)\{([^}]*)\}/g)];
      expect(selectors).not.toEqual([]);
      for (const [, name, labels] of selectors) {
        expect(labels).toContain('$SELECT');
        if (name !== 'up') expect(registered).toContain(name);
      }
    },
  );
});

it('the dashboard looks at metrics that the operator has', () => {
  const dashboard = readFileSync('charts/nixfleet-operator/files/dashboard.json', 'utf8');
  const names = [...dashboard.matchAll(/([a-z][a-z0-9_]+)\{namespace=/g)].map(([, name]) => name ?? '');
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) expect(metricNames()).toContain(name.replace(/_bucket$/, ''));
});

function metricNames(): string[] {
  const sources = globSync('src/{app,telemetry}/*.ts').map((file) => readFileSync(file, 'utf8'));
  return [...sources.join('\n').matchAll(/name: '([a-z0-9_]+)'/g)].flatMap(([, name]) => name ?? []);
}

describe('the table of values', () => {
  it('takes a description from the comment above, also above the first key of a map', () => {
    const values = chartValues(
      '# About the file.\n\n# -- says one\none: 1\ntwo:\n  # -- says three\n  three: [a]\n',
    );
    expect(values).toEqual([
      { path: 'one', fallback: '1', description: 'says one' },
      { path: 'two.three', fallback: '["a"]', description: 'says three' },
    ]);
    expect(valuesTable(values)).toContain('| `two.three` | `["a"]` | says three |');
  });

  it('refuses a value that nobody described', () => {
    expect(() => chartValues('one:\n  two: 1\n')).toThrow('one.two');
  });
});
