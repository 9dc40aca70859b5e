import { Argument } from '@commander-js/extra-typings';
import { plainCommand } from '../command.ts';

export const completion = plainCommand('completion', {
  description: 'Prints a completion script for a shell. It completes commands, options and fixed values of options.',
  examples: ['completion bash', 'completion zsh', 'completion fish'],
})
  .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish'] as const))
  .addHelpText(
    'after',
    `
To install it:
  bash  livechat completion bash > ~/.local/share/bash-completion/completions/livechat
        or in ~/.bashrc: source <(livechat completion bash)
  zsh   in ~/.zshrc, after compinit: source <(livechat completion zsh)
  fish  livechat completion fish > ~/.config/fish/completions/livechat.fish
If you run the command as npx livechat, add: alias livechat='npx livechat'`,
  );

completion.action(async (shell, options, command) => {
  (await import('../completion.ts')).printCompletion(shell, command.parent, options);
});
