import { Command } from 'commander';
import { registerRun } from './app/run-command.ts';

const program = new Command('nixfleet-operator')
  .description(
    'The NixFleet control plane as a Kubernetes operator, and the tools that CI signs releases with.',
  )
  .showHelpAfterError();
registerRun(program);
await program.parseAsync();
