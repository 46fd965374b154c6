import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { asText, releaseFiles } from '../support/release.ts';
import { QUICK_FLAGS, Site } from './support/site.ts';

const FILES = 'charts/nixfleet-operator/files';
/** Of a selector in a query: the name of the metric, and what stands between the braces. */
const SELECTOR = /\b([a-z][a-z0-9_]+)\{([^}]*)\}/g;
/** The names of the labels by which a query sums up. */
const GROUPING = /\bby \(([^)]*)\)/g;
/** Labels that Prometheus adds to what it scrapes (the ServiceMonitor's relabelling gives `role`). */
const OF_THE_SCRAPE = ['namespace', 'pod', 'role'];
/** A histogram's own. */
const OF_BUCKETS = 'le';

let site: Site;
/** By name of each exported metric, the names of its labels as far as there are series. */
let exported: ReadonlyMap<string, ReadonlySet<string>>;
let queries: readonly string[];

beforeAll(async () => {
  site = await Site.shared('metrics');
  await site.putConfigMap('release', asText(releaseFiles()));
  await site.applyFleet({ configMapRefs: ['release'] });
  const operator = await site.startOperator('operator', QUICK_FLAGS);
  const inForce = async () => expect(await site.condition('Ready')).toBe('True InForce');
  await vi.waitFor(inForce, { timeout: 30_000, interval: 100 });
  const host = await site.host(operator, 'web-01');
  await host.post('/v1/agent/heartbeat', { hostname: 'web-01', at: new Date().toISOString() });
  host.close();
  exported = metricsIn(await (await fetch(`${operator.healthUrl}/metrics`)).text());
  queries = [...(await queriesOfAlerts()), ...(await queriesOfDashboard())];
});

afterAll(() => site?.close());

function metricsIn(text: string): Map<string, Set<string>> {
  const metrics = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const declared = /^# TYPE (\S+) (\S+)$/.exec(line);
    const name = declared?.[1] ?? /^[a-z_]+/.exec(line)?.[0];
    if (name === undefined) continue;
    const labels = metrics.get(name) ?? new Set<string>();
    for (const [, label = ''] of line.matchAll(/[{,]([a-z_]+)="/g)) labels.add(label);
    metrics.set(name, labels);
    if (declared?.[2] === 'histogram') metrics.set(`${name}_bucket`, new Set());
  }
  return metrics;
}

async function queriesOfAlerts(): Promise<string[]> {
  const alerts: unknown = parse(await readFile(`${FILES}/alerts.yaml`, 'utf8'));
  return z
    .array(z.object({ expr: z.string() }))
    .parse(alerts)
    .map(({ expr }) => expr.replaceAll('$SELECT', 'namespace="x"'));
}

async function queriesOfDashboard(): Promise<string[]> {
  const dashboard: unknown = JSON.parse(await readFile(`${FILES}/dashboard.json`, 'utf8'));
  const { panels } = z
    .object({ panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })) })) })
    .parse(dashboard);
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

test('alerts and dashboard look only at what a running operator exports', () => {
  expect(queries.length).toBeGreaterThan(25);
  const unknown = queries.flatMap((query) =>
    [...query.matchAll(SELECTOR)].flatMap(([, name = '']) =>
      exported.has(name) || name === 'up' ? [] : [name],
    ),
  );
  expect(unknown).toEqual([]);
  // Every query was understood: each has a selector, or there would be nothing to look at.
  expect(queries.filter((query) => query.search(SELECTOR) < 0)).toEqual([]);
});

test('and only at labels that it exports', () => {
  const missing = queries.flatMap((query) => {
    const selectors = [...query.matchAll(SELECTOR)];
    const groups = [...query.matchAll(GROUPING)].flatMap(([, list = '']) =>
      list.split(/,\s*/).filter(Boolean),
    );
    return selectors.flatMap(([, name = '', matchers = '']) => {
      const labels = exported.get(name.replace(/_bucket$/, '')) ?? new Set();
      if (labels.size === 0) return []; // no series yet, whose labels could be seen
      const used = [...matchers.matchAll(/([a-z_]+)\s*(?:=~?|!=|!~)/g)].map(([, label = '']) => label);
      const known = (label: string): boolean =>
        labels.has(label) || OF_THE_SCRAPE.includes(label) || label === OF_BUCKETS;
      return [...used, ...groups].filter((label) => !known(label)).map((label) => `${name}{${label}}`);
    });
  });
  expect(missing).toEqual([]);
});
