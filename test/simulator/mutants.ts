/** One place of the source to break. */
export interface Change {
  /** The end of the file's path. */
  readonly file: string;
  readonly text: string;
  readonly replacement: string;
}

/** A broken build, and the rule that has to notice. */
export interface Mutant {
  readonly name: string;
  readonly rule: string;
  readonly changes: readonly Change[];
  /** Where to begin, for what seldom matters. */
  readonly seed?: number;
  /** The story, or the scenario kept in `found`, that has to go wrong, where one is about it. */
  readonly story?: string;
}

const GATES = 'src/core/planner/gates';

/** API server rules that would stop what the operator must not even try. */
const withoutApiRules: readonly Change[] = [
  {
    file: 'simulator/sim-rules.ts',
    text: 'const { rising = [], endStates = [] } = RULES[plural] ?? {};',
    replacement: 'const { rising = [], endStates = [] } = {};',
  },
];

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'the budget gate lets everybody through',
    rule: 'budgets',
    seed: 12,
    changes: [
      {
        file: `${GATES}/disruption-budget.ts`,
        text: 'if (inFlight < max) continue;',
        replacement: 'continue;',
      },
    ],
  },
  {
    name: 'percentages are rounded up',
    rule: 'budgets',
    seed: 21,
    changes: [
      {
        file: 'src/core/planner/percentage.ts',
        text: 'Math.floor((maxInFlightPct * hosts.length) / 100)',
        replacement: 'Math.ceil((maxInFlightPct * hosts.length) / 100) + 1',
      },
    ],
  },
  {
    name: 'a superseded switch holds no slot',
    rule: 'budgets',
    seed: 36,
    changes: [
      {
        file: 'src/core/planner/held-slots.ts',
        text: 'return !hasSuccessorMoved(record, standing, context) && !isOverdue(record, context);',
        replacement: 'return false;',
      },
    ],
  },
  {
    name: 'a delivered mark holds no slot until it is acknowledged',
    rule: 'budgets',
    seed: 21,
    changes: [
      {
        file: 'src/core/planner/held-slots.ts',
        text: 'if (!inFlight && !marked) return false;',
        replacement: 'if (!inFlight) return false;',
      },
    ],
  },
  {
    name: 'waves are not waited for',
    rule: 'order',
    changes: [
      {
        file: `${GATES}/wave-promotion.ts`,
        text: 'if (hostWave <= currentWave) return null;',
        replacement: 'return null;',
      },
    ],
  },
  {
    name: 'marks are written before their wave',
    rule: 'order',
    changes: [
      {
        file: 'controllers/planner/write-plan.ts',
        text: 'for (const wave of plan.waves) await writeWave(context, wave);',
        replacement: '',
      },
    ],
  },
  {
    name: 'hosts that go first are not waited for',
    rule: 'order',
    changes: [
      { file: `${GATES}/host-edge.ts`, text: 'of view.gatingHosts(host)', replacement: 'of [] as string[]' },
    ],
  },
  {
    name: 'channels that go first are not waited for',
    rule: 'order',
    seed: 15,
    changes: [
      {
        file: `${GATES}/channel-edges.ts`,
        text: 'if (!view.isChannelActive(predecessorChannel)) continue;',
        replacement: 'continue;',
      },
    ],
  },
  {
    name: 'a failed host halts nothing',
    rule: 'order',
    seed: 38,
    changes: [
      { file: `${GATES}/rollout-halted.ts`, text: 'if (first === undefined)', replacement: 'if (true)' },
    ],
  },
  {
    name: 'a quarantine holds nobody',
    rule: 'order',
    story: 'quarantined-closure-comes-back',
    changes: [
      {
        file: `${GATES}/quarantine.ts`,
        text: 'if (!view.isQuarantined(channel, closureHash))',
        replacement: 'if (true)',
      },
    ],
  },
  {
    name: 'a paused rollout goes on',
    rule: 'order',
    story: 'rollout-paused',
    changes: [{ file: `${GATES}/rollout-paused.ts`, text: 'if (!rollout.paused)', replacement: 'if (true)' }],
  },
  {
    name: 'snapshots leave the inbox aside',
    rule: 'promises',
    seed: 9,
    changes: [
      {
        file: 'src/webhook/fold-object.ts',
        text: 'if (inbox.length === 0) return state;',
        replacement: 'return state;',
      },
    ],
  },
  {
    name: 'a former leader writes a lower term',
    rule: 'monotone',
    changes: [
      ...withoutApiRules,
      { file: 'controllers/planner/leader-term.ts', text: 'highest + 1', replacement: 'highest - 1' },
    ],
  },
  {
    name: 'a record leaves Converged',
    rule: 'monotone',
    seed: 131,
    changes: [
      ...withoutApiRules,
      {
        file: 'src/core/host/object.ts',
        text: '...(status?.state && { state: status.state }),',
        replacement:
          "...(status?.state && { state: status.state === 'Converged' ? 'Soaking' : status.state }),",
      },
    ],
  },
  {
    name: 'a fold does not count what it removes',
    rule: 'stored-events',
    changes: [
      {
        file: 'src/core/host/object.ts',
        text: 'lastEventSeq: record.lastEventSeq,\n    probes: nonEmpty',
        replacement: 'lastEventSeq: previous?.lastEventSeq ?? 0,\n    probes: nonEmpty',
      },
    ],
  },
  {
    name: 'a mark goes out again at once',
    rule: 'deliveries',
    changes: [
      {
        file: 'src/webhook/decide-delivery.ts',
        text: 'return redeliverAfterMs - Math',
        replacement: 'return 0 - Math',
      },
    ],
  },
  {
    name: 'hosts are switched to what they run',
    rule: 'deliveries',
    seed: 78,
    changes: [
      {
        file: 'src/webhook/decide-delivery.ts',
        text: 'if (context.hostClosure === record.targetClosure) return { due: false };',
        replacement: '',
      },
      {
        file: 'src/core/planner/mark.ts',
        text: "return stopped || onTarget ? 'none'",
        replacement: "return stopped ? 'none'",
      },
      {
        file: 'src/core/planner/mark.ts',
        text: "if (stopped || onTarget) return 'withdraw'",
        replacement: "if (stopped) return 'withdraw'",
      },
    ],
  },
  {
    name: 'marks of a former term are handed out',
    rule: 'deliveries',
    story: 'mark-of-a-former-leader',
    changes: [
      {
        file: 'src/webhook/decide-delivery.ts',
        text: 'if (term === undefined || mark.term !== term)',
        replacement: 'if (term === undefined)',
      },
    ],
  },
  {
    name: 'a new host is let through while it may be switching',
    rule: 'switches',
    story: 'wipe-in-mid-wave',
    changes: [
      {
        file: `${GATES}/host-unsettled.ts`,
        text: 'if (host === undefined',
        replacement: 'if (true || host === undefined',
      },
    ],
  },
  {
    name: 'a further attempt is let through before its host was told where it goes on counting',
    rule: 'switches',
    story: 'dispatch-before-snapshot',
    changes: [
      {
        file: `${GATES}/host-unsettled.ts`,
        text: 'if (host === undefined || countsOn === undefined) return null;',
        replacement: 'return null;',
      },
    ],
  },
  {
    name: 'a host is let through to what it has just switched to',
    rule: 'switches',
    story: 'switched-and-not-yet-heard-of',
    changes: [
      {
        file: `${GATES}/host-busy.ts`,
        text: 'if (isSwitched(record)) return unconfirmedSince(record, host);',
        replacement: '',
      },
    ],
  },
  {
    name: 'a plan forgets marks whose write got no answer',
    rule: 'budgets',
    story: 'mark-without-an-answer',
    changes: [
      {
        file: 'controllers/planner/planner-controller.ts',
        text: 'await planner.unanswered.settle(context.client);',
        replacement: '',
      },
    ],
  },
  {
    name: 'a quarantine is made without a stored decision',
    rule: 'effects',
    changes: [
      {
        file: 'controllers/record/pending-effects.ts',
        text: "record.metadata.uid ?? '', seq)",
        replacement: "record.metadata.uid ?? '', seq + 1)",
      },
    ],
  },
  {
    name: 'the webhook decides',
    rule: 'ownership',
    changes: [
      {
        file: 'src/webhook/fold-object.ts',
        text: '{ inbox: [...inboxFromObject(object), entry] }',
        replacement: '{ lastEventSeq: entry.seq ?? 0, inbox: [...inboxFromObject(object), entry] }',
      },
    ],
  },
  {
    name: 'plans do not follow their hosts',
    rule: 'endings',
    seed: 9,
    changes: [
      {
        file: 'controllers/planner/changed-inputs.ts',
        text: 'else this.#hosts.set(change.new.spec.hostname, change.new);',
        replacement: '',
      },
    ],
  },
  {
    name: 'plans do not follow their budgets',
    rule: 'no-errors',
    seed: 12,
    changes: [
      {
        file: 'core/planner/fleet-planner.ts',
        text: 'this.#followBudgets(plan, place, plan.standing.records.length);',
        replacement: '',
      },
    ],
  },
  {
    name: 'no wave is ever promoted',
    rule: 'endings',
    changes: [
      {
        file: 'src/core/planner/wave-advance.ts',
        text: 'if (done === undefined) break;',
        replacement: 'break;',
      },
    ],
  },
  {
    name: 'held hosts do not say why',
    rule: 'endings',
    changes: [
      {
        file: 'src/core/planner/planned-status.ts',
        text: 'if (holds.length === 0) return undefined;',
        replacement: 'return undefined;',
      },
    ],
  },
];
