import { liveChatFileHosts } from '../file-hosts.ts';
import { composeInteractive } from './interactive.ts';
import { composeMedia } from './media.ts';
import type { Part } from './part.ts';
import type { RequestMessage } from './request-message.ts';
import { composeText } from './text.ts';

/** A part and where it comes from: the message of the request, and which piece of that message. Both count from 0. */
export interface ComposedPart {
  readonly messageIndex: number;
  readonly splitIndex: number;
  readonly part: Part;
}

export interface ComposeOptions {
  /** Hosts whose files LiveChat takes as they are. */
  readonly fileHosts?: readonly string[];
}

/** Parsed messages as what is sent to LiveChat, in their order. */
export function composeMessages(
  messages: readonly RequestMessage[],
  { fileHosts = liveChatFileHosts }: ComposeOptions = {},
): ComposedPart[] {
  return messages.flatMap((message, messageIndex) =>
    partsOf(message, fileHosts).map((part, splitIndex) => ({ messageIndex, splitIndex, part })),
  );
}

function partsOf(message: RequestMessage, fileHosts: readonly string[]): Part[] {
  switch (message.type) {
    case 'text':
      return composeText(message);
    case 'media':
      return composeMedia(message, fileHosts);
    case 'interactive':
      return composeInteractive(message);
  }
}
