/** The names that core reads when it is imported, for tests without tables. Import it first. */
const names = {
  AWS_REGION: 'us-east-1',
  BUS_NAME: 'bus',
  MESSAGES_TABLE: 'messages',
  CONTROL_TABLE: 'control',
  CONVERSATIONS_TABLE: 'conversations',
  SEND_MACHINE_ARN: 'arn:aws:states:us-east-1:000000000000:stateMachine:send',
  DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1/dead-letters',
};

for (const [name, value] of Object.entries(names)) process.env[name] ??= value;
