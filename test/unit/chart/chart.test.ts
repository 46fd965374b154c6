import { readFileSync } from 'node:fs';
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
const dashboardSchema = z.object({
  panels: z.array(
    z.object({
      id: z.number(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.object({ expr: z.string() })).min(1),
    }),
  ),
});
const alerts = alertSchema.parse(
  parse(readFileSync('charts/nixfleet-operator/files/alerts.yaml', 'utf8')) as unknown,
);

describe('alerts', () => {
  it('have a runbook each, and no runbook is for an alert that is gone', () => {
    const headings = readFileSync('docs/operate.md', 'utf8').matchAll(/^### (Nixfleet\w+)$/gm);
    expect([...headings].map(([, name]) => name)).toEqual(alerts.map(({ alert }) => alert));
  });

  it.for(alerts.map(({ alert, expr }) => [alert, expr] as const))(
    '%s looks at this installation only',
    ([, expr]) => {
      expectSelectors(expr, '$SELECT');
    },
  );
});

describe('the dashboard', () => {
  const dashboard = dashboardSchema.parse(
    JSON.parse(readFileSync('charts/nixfleet-operator/files/dashboard.json', 'utf8')),
  );

  it('looks at one installation only', () => {
    for (const { targets } of dashboard.panels)
      for (const { expr } of targets) expectSelectors(expr, 'namespace="$namespace"');
  });

  it('has panels that lie beside one another, each with a number of its own', () => {
    const taken = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`);
    });
    expect(new Set(taken).size).toBe(taken.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });
});

/** Whether such metrics exist, a running operator tells (test/integration/metrics.test.ts). */
function expectSelectors(expr: string, selection: string): void {
  const selectors = [...expr.matchAll(/[a-z][a-z0-9_]+\{([^}]*)\}/g)];
  expect(selectors).not.toEqual([]);
  for (const [, labels] of selectors) expect(labels).toContain(selection);
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
