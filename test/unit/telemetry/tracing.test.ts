import { expect, test } from 'vitest';
import { startTracing } from '../../../src/telemetry/start-tracing.ts';
import { noTracing } from '../../../src/telemetry/tracing.ts';

test('without options there is no SDK, and work is done as if nobody looked', async () => {
  const tracing = await startTracing(undefined, { namespace: 'fleet', hostname: 'pod-1' });
  expect(tracing).toBe(noTracing);
  expect(tracing.tracer.span({ name: 'x' }, () => 7)).toBe(7);
  expect(tracing.ids()).toBeUndefined();
  await tracing.stop();
});
