"""What is asked, said and decided in chat, whatever the platform: Discord and Slack only translate it."""
