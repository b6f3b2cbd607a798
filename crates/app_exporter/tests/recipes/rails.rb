# The table that the generator of activerecord-session_store 2 makes, and its sessions, by Rails' own ActiveRecord.

require "active_record"
require "digest"

ActiveRecord::Base.establish_connection(
  adapter: "postgresql", host: "127.0.0.1", port: ARGV[1], database: "myapp_production", username: "admin",
  password: ENV.fetch("PGPASSWORD")
)

# The gem's own one changes the row only if the session's data changed, as any model does.
class Session < ActiveRecord::Base
end

def session(id, seconds_ago)
  at = Time.now - seconds_ago
  Session.create!(session_id: "2::#{Digest::SHA256.hexdigest(id)}", data: "BAh7AA==", created_at: at, updated_at: at)
end

case ARGV[0]
when "table"
  version = ActiveRecord::Migration.current_version
  migration = Class.new(ActiveRecord::Migration[version]) do
    def change
      create_table :sessions do |t|
        t.string :session_id, null: false
        t.text :data
        t.timestamps
      end
      add_index :sessions, :session_id, unique: true
      add_index :sessions, :updated_at
    end
  end
  migration.verbose = false
  migration.migrate(:up)
when "sessions"
  session("ada", 1)
  session("bob", 29 * 60)
  session("eve", 40 * 24 * 3600)
  # Two of an hour ago: a request that changes its session makes it active, one that does not leaves it as it is.
  session("grace", 3600).update!(data: "BAh7BkkiDHVzZXJfaWQGOgZFVGkG")
  session("mallory", 3600).save!
end
