// mongosh URI deploy/mongo.js: create or update the roles of docs/roles.md and a user for each. Names
// and passwords are read from the MONGODB_URI of each file under /etc/auditlogs, so that each secret
// is in one place. Run it in the project's folder, as a user who may create roles and users.
const fs = require('fs');

const ROLE_OF = {web: 'auditlogsWeb', worker: 'auditlogsWorker', admin: 'auditlogsAdmin'};
const page = fs.readFileSync('docs/roles.md', 'utf8');
const log = db.getSiblingDB('auditlogs');

for (const [, text] of page.matchAll(/```json\n(.*?)```/gs)) {
  const {createRole: name, ...rest} = JSON.parse(text);
  const command = log.getRole(name) ? 'updateRole' : 'createRole';
  log.runCommand({[command]: name, ...rest});
  print(`${command} ${name}`);
}

for (const [program, role] of Object.entries(ROLE_OF)) {
  const file = fs.readFileSync(`/etc/auditlogs/${program}.env`, 'utf8');
  const [, name, password] = file.match(/^MONGODB_URI='?mongodb:\/\/([^:@]+):([^@]+)@/m);
  const command = log.getUser(name) ? 'updateUser' : 'createUser';
  log.runCommand({[command]: name, pwd: decodeURIComponent(password), roles: [role]});
  print(`${command} ${name}`);
}
