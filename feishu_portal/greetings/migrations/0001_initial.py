import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('bots', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Greeting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('occasion', models.CharField(choices=[('welcome', 'A person opens the chat with the bot for the first time'), ('bot_added', 'The bot is added to a group'), ('people_joined', 'People join a group of the bot'), ('menu', "An entry of the bot's menu is chosen")], max_length=13, verbose_name='occasion')),
                ('menu_key', models.CharField(blank=True, help_text='Of the menu entry, as the developer console has it.', max_length=30, verbose_name='event key')),
                ('text', models.TextField(blank=True, help_text='May hold {{bot}}, {{chat}} and {{people}}, the names of those who joined.', max_length=5000, verbose_name='text')),
                ('pause_minutes', models.PositiveIntegerField(default=10, help_text='Minutes in which a chat gets this greeting once at most, up to 43200 (30 days).', validators=[django.core.validators.MaxValueValidator(43200)], verbose_name='pause')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='greetings', to='bots.bot', verbose_name='bot')),
                ('template', models.ForeignKey(blank=True, help_text='In place of a text. Its variables “bot”, “chat”, “people” and “person” are filled; others need a default.', null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='greetings', to='bots.cardtemplate', verbose_name='card template')),
            ],
            options={
                'verbose_name': 'greeting',
                'verbose_name_plural': 'greetings',
                'ordering': ('bot__name', 'occasion', 'menu_key'),
                'constraints': [models.UniqueConstraint(fields=('bot', 'occasion', 'menu_key'), name='greeting_once', violation_error_message='The bot has a greeting for this occasion.'), models.CheckConstraint(condition=models.Q(('occasion__in', ['welcome', 'bot_added', 'people_joined', 'menu'])), name='greeting_occasion_known'), models.CheckConstraint(condition=models.Q(('text', ''), ('template', None), _connector='XOR'), name='greeting_says_one_thing')],
            },
        ),
        migrations.CreateModel(
            name='Greeted',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('chat_id', models.CharField(editable=False, max_length=128)),
                ('event_pk', models.BigIntegerField(editable=False)),
                ('at', models.DateTimeField(db_index=True, default=django.utils.timezone.now, editable=False)),
                ('greeting', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='greetings.greeting')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('greeting', 'chat_id'), name='greeted_once')],
            },
        ),
    ]
